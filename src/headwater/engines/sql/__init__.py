"""What the engines that speak SQL share. It knows no driver: each engine brings its own statements and connections."""
