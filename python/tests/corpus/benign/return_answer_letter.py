# prints: answer submitted: B
ReturnAnswer(" B ")
