using System.Diagnostics;

namespace Tulu2.Training.Hosting;

/// <summary>The program of a worker process: the executable and its arguments before <c>--socket PATH</c>.</summary>
public sealed record WorkerProgram(string File, IReadOnlyList<string> Arguments)
{
    /// <summary>Variables that are set for it.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Where a successor of this process finds the workers that outlive it; null: they end with it.</summary>
    public AdoptionFolder? Adoption { get; init; }

    internal ProcessStartInfo With(string socket)
    {
        var start = new ProcessStartInfo(File, [.. Arguments, "--socket", socket, .. Adoption?.Arguments ?? []])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        // One thread each: parallelism comes from ranks. Profile-guided optimization costs a short-lived process more than it gains.
        start.Environment["OMP_NUM_THREADS"] = "1";
        start.Environment["MKL_NUM_THREADS"] = "1";
        start.Environment["DOTNET_TieredPGO"] = "0";
        foreach (var (name, value) in Environment) start.Environment[name] = value;
        return start;
    }
}
