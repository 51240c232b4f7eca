"""The query API of IAM and STS: POST / with an Action, answers in XML."""
