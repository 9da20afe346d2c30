using System.Collections.Concurrent;
using System.Diagnostics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Tulu2.Checkpoints;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Files;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.State;

/// <summary>
/// Copies a rank's share of the state and writes the copy on a background thread. One is written at a time, so that a slow disk costs checkpoints, and neither time nor
/// memory: while one is stuck the next is refused.
/// </summary>
internal sealed class SnapshotWriter : IDisposable
{
    // A worker that ends waits this long for its last snapshot; whoever ended it does not wait longer either.
    private static readonly TimeSpan EndPatience = TimeSpan.FromMinutes(1);

    private readonly CheckpointStore _store;
    private readonly Action<WorkerReport> _report;
    private readonly object _gate = new();
    private readonly BlockingCollection<Action> _work = [];
    private readonly Thread _thread;

    // What is being written; null as soon as it is about to be reported.
    private StepNumber? _writing;

    public SnapshotWriter(CheckpointStore store, Action<WorkerReport> report)
    {
        (_store, _report) = (store, report);
        // Before the first snapshot: on a busy machine the start of a thread takes as long as a small step.
        _thread = new Thread(Run) { IsBackground = true, Name = "snapshots" };
        _thread.Start();
    }

    /// <param name="share">Slices that this rank writes, with offsets within the buffers of its state.</param>
    /// <param name="patience">Time that may be waited for the previous snapshot: none where a step would wait with it.</param>
    /// <exception cref="NonFiniteStepException">A parameter or moment is not finite, or rounds to infinity in the compute type; nothing is written.</exception>
    public unsafe void Take(ReplicaState state, Rank rank, IReadOnlyList<ParameterSlice> share, TimeSpan patience)
    {
        var step = new StepNumber(state.Step);
        if (Writing(step, patience) is { } stuck)
        {
            // Asked for again while it is written: its report is still to come.
            if (stuck != step) _report(new WorkerReport.SnapshotFailed(rank, step, $"rank {rank} is still writing its shard of step {stuck} to {_store.Directory}"));
            return;
        }
        var elements = share.Sum(part => part.Slice.Length);
        var memory = (nint)NativeMemory.Alloc((nuint)Math.Max(1, 3 * elements * sizeof(float)));
        var blocks = new List<StateBlock>(3 * share.Count);
        var at = memory;
        foreach (var (kind, buffer) in state.Buffers())
        {
            var tooLarge = kind == StateKind.Parameter && state.Precision == Precision.Bf16 ? SafetensorsTypes.FirstInfinite("BF16") : float.PositiveInfinity;
            var source = (float*)FlatMemory.Address(buffer);
            foreach (var (slice, offset, rowStride) in share)
            {
                var width = slice.Size[^1];
                blocks.Add(new StateBlock(kind, slice, at, width));
                for (long row = 0; row < slice.Length / width; row++, at += (nint)(width * sizeof(float)))
                {
                    NativeMemory.Copy(source + offset + row * rowStride, (void*)at, (nuint)(width * sizeof(float)));
                    var largest = TensorPrimitives.MaxMagnitude(new ReadOnlySpan<float>((void*)at, (int)width));
                    if (MathF.Abs(largest) < tooLarge) continue;
                    NativeMemory.Free((void*)memory);
                    throw new NonFiniteStepException(step, $"{NameOf(kind)} {slice.Name}, after the update,", largest, "no checkpoint of the step is written");
                }
            }
        }
        lock (_gate) _writing = step;
        _work.Add(() => Write(rank, step, memory, blocks));
    }

    // What is being written; null: nothing, or it was finished in time.
    private StepNumber? Writing(StepNumber step, TimeSpan patience)
    {
        var begun = Stopwatch.GetTimestamp();
        lock (_gate)
        {
            while (_writing is not null && _writing != step && patience - Stopwatch.GetElapsedTime(begun) is { Ticks: > 0 } left) Monitor.Wait(_gate, left);
            return _writing;
        }
    }

    private void Run()
    {
        TorchRuntime.EnterRankThread();
        foreach (var write in _work.GetConsumingEnumerable()) write();
    }

    private static string NameOf(StateKind kind) => kind switch
    {
        StateKind.Parameter => "an element of",
        StateKind.FirstMoment => "the first moment of an element of",
        _ => "the second moment of an element of",
    };

    /// <summary>Waits for the snapshot in progress, a minute at most: a thread that the storage never answers ends with the process.</summary>
    public void Dispose()
    {
        _work.CompleteAdding();
        _thread.Join(EndPatience);
    }

    private unsafe void Write(Rank rank, StepNumber step, nint memory, IReadOnlyList<StateBlock> blocks)
    {
        WorkerReport outcome;
        try
        {
            outcome = new WorkerReport.ShardWritten(rank, step, _store.WriteShard(blocks));
        }
        catch (Exception fault)
        {
            outcome = new WorkerReport.SnapshotFailed(rank, step, FaultText.Of(fault));
        }
        finally
        {
            NativeMemory.Free((void*)memory);
            // Before the report: who asks again after it gets another.
            lock (_gate)
            {
                _writing = null;
                Monitor.PulseAll(_gate);
            }
        }
        _report(outcome);
    }
}
