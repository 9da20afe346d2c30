using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Tulu2.Cli.Training;

/// <summary>What a run's bits depend on besides its recipe: docs/assumptions.md, 1.</summary>
internal static class TrainingFacts
{
    public static IReadOnlyDictionary<string, string> Gather(DateTimeOffset now) => new Dictionary<string, string>
    {
        ["libtorch"] = TorchSharp.torch.__version__,
        ["processor"] = Processor(),
        ["written"] = now.ToString("O"),
    };

    /// <summary>The facts that decide bits, in a fixed order.</summary>
    public static IEnumerable<string> DecidingBits() => [TorchSharp.torch.__version__, Processor()];

    // libtorch chooses its kernels by these sets, not by the model's name.
    private static string Processor()
    {
        if (!X86Base.IsSupported) return RuntimeInformation.ProcessArchitecture.ToString();
        List<string> sets = [RuntimeInformation.ProcessArchitecture.ToString()];
        if (Avx2.IsSupported) sets.Add("avx2");
        if (Avx512F.IsSupported) sets.Add("avx512");
        if (Avx512Vbmi.IsSupported) sets.Add("vbmi");
        return string.Join('+', sets);
    }
}
