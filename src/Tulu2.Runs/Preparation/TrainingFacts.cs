using System.Globalization;
using System.Runtime.InteropServices;
using Tulu2.Files;
using Tulu2.Models.Torch;
using Tulu2.Training.Hosting;

namespace Tulu2.Runs.Preparation;

/// <summary>
/// Machine and versions of a training process, which the bits may depend on besides the recipe (docs/assumptions.md, 1): for manifests, ledger and report.
/// </summary>
internal static class TrainingFacts
{
    /// <summary>Key of the host.</summary>
    public const string Host = "host";

    /// <summary>Key of the time at which the process started.</summary>
    public const string Started = "started";

    public static IReadOnlyDictionary<string, string> Gather(DateTimeOffset now) => new Dictionary<string, string>
    {
        [Host] = Environment.MachineName,
        ["machine"] = TorchRuntime.Facts,
        ["processor"] = $"{Processor()}, {NumberText.Count(Environment.ProcessorCount, "core")}",
        ["memory"] = string.Create(CultureInfo.InvariantCulture, $"{MemoryReader.Read().Bytes / (double)(1 << 30):F1} GiB"),
        ["system"] = RuntimeInformation.OSDescription,
        ["tulu2"] = ProgramVersion.Text,
        [".NET"] = Environment.Version.ToString(),
        [Started] = now.ToString("O"),
    };

    private static string Processor()
    {
        const string name = "model name";
        try
        {
            return File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[^1].Trim()
                ?? $"{RuntimeInformation.ProcessArchitecture}";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return $"{RuntimeInformation.ProcessArchitecture}";
        }
    }
}
