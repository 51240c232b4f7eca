"""The S3 dialect: XML over the domain layer."""
