runSelfModifying()
