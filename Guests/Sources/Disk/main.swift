runDisk()
