namespace Tulu2.Training.Benchmarks;

/// <summary>What a step costs on one thread. Ratios are of processor time, which other processes do not add to.</summary>
/// <param name="TokensPerSecond">By the wall clock, of the median step.</param>
/// <param name="CeilingFlops">Floating-point operations a second of the machine's own matrix product, measured in the same run.</param>
/// <param name="CeilingShare">The step's model operations a second over <paramref name="CeilingFlops"/>, of the median step, optimizer included.</param>
/// <param name="OutsideLibtorch">Share of the step outside libtorch's kernels: in vector kernels of our own, and managed overhead.</param>
/// <param name="ManagedOverhead">Share of the step in no kernel at all.</param>
/// <param name="Kinds">Seconds of the median step by kind of operation.</param>
public sealed record StepMeasurement(
    string Objective,
    string Precision,
    int VirtualShards,
    long Parameters,
    double TokensPerSecond,
    double CeilingFlops,
    double CeilingShare,
    double OutsideLibtorch,
    double ManagedOverhead,
    IReadOnlyDictionary<string, double> Kinds);
