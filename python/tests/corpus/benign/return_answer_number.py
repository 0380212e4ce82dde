# prints: answer submitted: 1.37
ReturnAnswer(1.37)
