using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using TorchSharp;

namespace Tulu2.Models.Torch;

/// <summary>How this process and its rank threads use libtorch.</summary>
public static partial class TorchRuntime
{
    private const int MallocTrimThreshold = -1, MallocTopPad = -2, MallocMmapThreshold = -3;
    private const int Nice = 10;
    private static readonly Lock Gate = new();
    private static bool _ready;

    /// <summary>
    /// Once, at start-up, before any tensor exists; later calls do nothing. Fixes glibc's thresholds, which would otherwise drift up with the sizes
    /// that are freed and leave the heap full of holes.
    /// </summary>
    public static void Initialize()
    {
        lock (Gate)
        {
            if (_ready) return;
            if (OperatingSystem.IsLinux())
            {
                _ = SetMallocOption(MallocMmapThreshold, 4 << 20);
                _ = SetMallocOption(MallocTrimThreshold, 64 << 20);
                _ = SetMallocOption(MallocTopPad, 1 << 20);
            }
            torch.InitializeDeviceType(DeviceType.CPU);
            torch.set_num_threads(1);
            _ready = true;
        }
    }

    /// <summary>
    /// Call on each rank thread before it computes: one intra-op thread (parallelism comes from ranks; OpenMP keeps this setting per thread) and a
    /// lower priority, so that actors are served while all cores compute.
    /// </summary>
    public static void EnterRankThread()
    {
        Initialize();
        torch.set_num_threads(1);
        if (OperatingSystem.IsLinux()) _ = SetPriority(0, GetThreadId(), Nice);
    }

    /// <summary>The facts that determine a result's bits besides the recipe: the libtorch build and the kernels it picks on this processor.</summary>
    public static string Facts { get; } = $"libtorch {Version()}, {Capability()}";

    // The constant behind torch.__version__, which itself loads libtorch: a coordinator, which has none, asks too.
    private static string Version() =>
        typeof(torch).GetField("libtorchPackageVersion", BindingFlags.NonPublic | BindingFlags.Static)?.GetRawConstantValue() as string ?? torch.__version__;

    private static string Capability()
    {
        if (Environment.GetEnvironmentVariable("ATEN_CPU_CAPABILITY") is { Length: > 0 } forced) return forced;
        if (!X86Base.IsSupported) return RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
        var level = Avx512F.IsSupported && Avx512BW.IsSupported && Avx512DQ.IsSupported && Avx512F.VL.IsSupported ? "avx512" : Avx2.IsSupported ? "avx2" : "default";
        var (_, ebx, ecx, edx) = X86Base.CpuId(0, 0);
        var vendor = System.Text.Encoding.ASCII.GetString(MemoryMarshal.AsBytes<int>(new[] { ebx, edx, ecx }));
        var (signature, _, _, _) = X86Base.CpuId(1, 0);
        // oneDNN and MKL choose kernels by instruction set and vendor, so bf16 instructions and the family count too.
        var bfloat16 = X86Base.CpuId(7, 1).Eax >> 5 & 1;
        return $"{level}{(bfloat16 == 1 ? "+bf16" : "")}, {vendor} {signature & ~0xF:x}";
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int SetMallocOption(int parameter, int value);

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int who, int priority);

    [LibraryImport("libc", EntryPoint = "gettid")]
    private static partial int GetThreadId();
}
