runSmall()
