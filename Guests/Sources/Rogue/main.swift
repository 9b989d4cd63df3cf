runRogue()
