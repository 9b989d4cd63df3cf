runVault()
