using System.Runtime.InteropServices;
static class Cpu { [DllImport("libc")] static extern int clock_gettime(int id, out Ts t); struct Ts{public long S,N;} public static double Now(){ clock_gettime(3,out var t); return t.S+t.N*1e-9; } }
