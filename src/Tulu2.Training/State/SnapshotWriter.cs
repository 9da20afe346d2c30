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
/// Copies a rank's share of the state and writes the copy on a background thread. A new snapshot first waits for the previous one, so that a slow disk costs
/// time, not memory.
/// </summary>
internal sealed class SnapshotWriter(CheckpointStore store, Action<WorkerReport> report) : IDisposable
{
    private Thread? _writing;

    /// <param name="share">Slices that this rank writes, with offsets within the buffers of its state.</param>
    /// <exception cref="NonFiniteStepException">A parameter or moment is not finite, or rounds to infinity in the compute type; nothing is written.</exception>
    public unsafe void Take(ReplicaState state, Rank rank, IReadOnlyList<ParameterSlice> share)
    {
        _writing?.Join();
        var step = new StepNumber(state.Step);
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
        _writing = new Thread(() => Write(rank, step, memory, blocks)) { IsBackground = true, Name = $"snapshot of rank {rank}" };
        _writing.Start();
    }

    private static string NameOf(StateKind kind) => kind switch
    {
        StateKind.Parameter => "an element of",
        StateKind.FirstMoment => "the first moment of an element of",
        _ => "the second moment of an element of",
    };

    /// <summary>Waits for the snapshot in progress.</summary>
    public void Dispose() => _writing?.Join();

    private unsafe void Write(Rank rank, StepNumber step, nint memory, IReadOnlyList<StateBlock> blocks)
    {
        TorchRuntime.EnterRankThread();
        try
        {
            report(new WorkerReport.ShardWritten(rank, step, store.WriteShard(blocks)));
        }
        catch (Exception fault)
        {
            report(new WorkerReport.SnapshotFailed(rank, step, FaultText.Of(fault)));
        }
        finally
        {
            NativeMemory.Free((void*)memory);
        }
    }
}
