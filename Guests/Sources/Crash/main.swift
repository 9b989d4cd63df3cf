runCrash()
