runLoad()
