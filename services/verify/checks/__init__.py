"""What each promise means for the histories: one function a promise, named after what it promises. All pure."""
