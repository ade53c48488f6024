"""The bytes of files: uploads, what is made of them in confined processes, and downloads. It holds no database."""
