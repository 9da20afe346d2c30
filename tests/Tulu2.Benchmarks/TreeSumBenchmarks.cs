using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using Tulu2.Collectives;
using Tulu2.Collectives.InProcess;

namespace Tulu2.Benchmarks;

/// <summary>The fixed tree over eight slot gradients against adding them up one after the other.</summary>
[InProcess]
[MinIterationCount(5)]
[MaxIterationCount(12)]
public unsafe class TreeSumBenchmarks
{
    private const int Slots = 8;
    private const int Length = 1 << 22;

    private readonly nint[] _gradients = new nint[Slots];
    private ICollective _collective = null!;
    private nint _result;

    [GlobalSetup]
    public void Setup()
    {
        for (var slot = 0; slot < Slots; slot++) new Span<float>((void*)(_gradients[slot] = Rent()), Length).Fill(slot);
        _result = Rent();
        _collective = new InProcessDataPlane().Join(1, 0, 1);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        foreach (var address in _gradients.Append(_result)) NativeMemory.Free((void*)address);
        _collective.Dispose();
    }

    [Benchmark(Baseline = true)]
    public void OneAfterTheOther()
    {
        var sum = new Span<float>((void*)_result, Length);
        new Span<float>((void*)_gradients[0], Length).CopyTo(sum);
        foreach (var gradient in _gradients.Skip(1)) TensorPrimitives.Add(sum, new ReadOnlySpan<float>((void*)gradient, Length), sum);
    }

    [Benchmark]
    public void FixedTree() =>
        _collective.TreeSum(Slots, [.. _gradients.Select((address, slot) => new PartialSum(new SlotRange(slot, 1), address, Length))], new ElementRange(0, Length), _result, Length, TimeSpan.FromMinutes(1));

    private static nint Rent() => (nint)NativeMemory.Alloc(Length, sizeof(float));
}
