namespace Tulu2.Training.Benchmarks;

/// <summary>The cost of a step on one thread. Ratios are based on CPU time, which load by other processes does not increase.</summary>
/// <param name="TokensPerSecond">Throughput of the median step, by wall-clock time.</param>
/// <param name="TokensPerProcessorSecond">
/// Throughput of all measured steps by this process's processor time, all its threads included. A prompt's tokens count for each answer, however often it is
/// computed, so that the value compares with a trainer that computes it twice.
/// </param>
/// <param name="CeilingFlops">Floating-point operations per second of matrix products on this machine, measured in the same run.</param>
/// <param name="CeilingShare">Model operations per second of the median step, optimizer time included, over <paramref name="CeilingFlops"/>.</param>
/// <param name="OutsideLibtorch">Share of the step outside libtorch's kernels: our own vector kernels and managed overhead.</param>
/// <param name="ManagedOverhead">Share of the step outside any kernel.</param>
/// <param name="Kinds">Seconds of the median step by kind of operation.</param>
public sealed record StepMeasurement(
    string Objective,
    string Precision,
    int VirtualShards,
    long Parameters,
    double TokensPerSecond,
    double TokensPerProcessorSecond,
    double CeilingFlops,
    double CeilingShare,
    double OutsideLibtorch,
    double ManagedOverhead,
    IReadOnlyDictionary<string, double> Kinds)
{
    /// <summary>Prompts of pairs were computed once.</summary>
    public bool SharesPrompts { get; init; }

    /// <summary>Rows of a step on average, filler included.</summary>
    public double Rows { get; init; }
}
