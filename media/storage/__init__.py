"""Where the bytes lie: a folder, or S3, behind one port."""
