runEntry()
