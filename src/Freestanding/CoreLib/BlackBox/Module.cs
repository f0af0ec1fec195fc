// Locals are not zeroed before use: the C# compiler proves that they are assigned. A stackalloc holds old stack contents until
// it is filled. (Zeroing in function prologues would use vector registers.)
[module: System.Runtime.CompilerServices.SkipLocalsInit]
