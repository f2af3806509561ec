"""What each verb of the command line does, one a file; imported when its verb is called."""
