"""What the page Judge shows and keeps."""
