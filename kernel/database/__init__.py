"""What every table and every write share: byte-ordered keys and one commit seam."""
