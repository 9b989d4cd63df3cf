runSteward()
