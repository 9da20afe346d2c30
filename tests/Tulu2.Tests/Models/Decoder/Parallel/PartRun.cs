using Tulu2.Collectives;
using Tulu2.Collectives.InProcess;
using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Models.Decoder;
using Tulu2.Models.Families;
using Tulu2.Models.Kernels;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Decoder.Parallel;

/// <summary>What a model makes of some batches: log-probabilities of each, and each Hugging Face tensor's gradient, summed over the batches in order.</summary>
internal sealed record PartResult(float[][] LogProbabilities, IReadOnlyDictionary<string, float[]> Gradients);

/// <summary>A model cut over rank threads of one replica, beside the whole one.</summary>
internal static class PartRun
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    public static PartResult Whole(ModelConfig config, int shards, Tensor weights, IReadOnlyList<SlotBatch> batches, bool recompute = false) =>
        Whole(new ParameterMap(config, shards), weights, batches, recompute);

    public static PartResult Whole(ModelParameters parameters, ModelWeights weights, IReadOnlyList<SlotBatch> batches, bool recompute = false)
    {
        using var scope = NewDisposeScope();
        using var model = new DecoderModel(parameters, weights, recompute);
        var layout = parameters.Trained;
        var (sum, logProbabilities) = (zeros([layout.Length]), new List<float[]>());
        foreach (var batch in batches)
        {
            var (result, gradient) = TinyModel.Run(model, batch);
            logProbabilities.Add(result.data<float>().ToArray());
            sum.add_(gradient);
        }
        return new PartResult([.. logProbabilities], FlatTensors.Gather([(layout, sum)]).ToDictionary(pair => pair.Key, pair => pair.Value.data<float>().ToArray()));
    }

    /// <param name="join">Makes a rank's shard sum of its tensor group; null: <see cref="GroupSum"/>.</param>
    public static PartResult Parts(
        ModelConfig config, int shards, int tensor, int pipeline, Tensor weights, IReadOnlyList<SlotBatch> batches, bool recompute = false,
        Func<ICollective, IShardSum>? join = null, Func<ParameterMap, BlockKernels>? kernels = null, bool split = false) =>
        Parts(new ParameterMap(config, shards), weights, tensor, pipeline, batches, recompute, join, kernels, split);

    public static PartResult Parts(
        ModelParameters parameters, ModelWeights weights, int tensor, int pipeline, IReadOnlyList<SlotBatch> batches, bool recompute = false,
        Func<ICollective, IShardSum>? join = null, Func<ParameterMap, BlockKernels>? kernels = null, bool split = false)
    {
        var layout = new ParallelLayout(1, tensor, pipeline);
        var plane = new InProcessDataPlane();
        var tensors = FlatTensors.Gather(parameters.Adapter is null ? [(parameters.Read, weights.Read)] : [(parameters.Read, weights.Read), (parameters.Trained, weights.Adapters)]);
        var results = new (ParameterMap Layout, Tensor Gradient, float[][] LogProbabilities)[layout.Size];
        var faults = new List<Exception>();
        var threads = Enumerable.Range(0, layout.Size).Select(rank => new Thread(() =>
        {
            using var world = plane.Join(1, rank, layout.Size);
            try
            {
                var part = parameters.Of(ModelPart.Of(parameters.Config, layout, rank));
                results[rank] = Rank(part, layout, rank, world, tensors, weights.Read.dtype, batches, recompute, join ?? (group => new GroupSum(group)), kernels, split);
                world.Barrier(Deadline);
            }
            catch (Exception fault)
            {
                lock (faults) faults.Add(fault);
                world.Abort(fault.Message);
            }
        })).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        if (faults.Find(fault => fault is not CollectiveAbortedException) is { } cause) throw new InvalidOperationException(cause.ToString(), cause);
        var last = results.Where(result => result.LogProbabilities.Length > 0).ToArray();
        foreach (var twin in last) Xunit.Assert.Equal(last[0].LogProbabilities, twin.LogProbabilities);
        var gathered = FlatTensors.Gather([.. results.Select(result => (result.Layout, result.Gradient))]);
        var gradients = gathered.ToDictionary(pair => pair.Key, pair => pair.Value.data<float>().ToArray());
        foreach (var value in gathered.Values.Concat(tensors.Values).Concat(results.Select(result => result.Gradient))) value.Dispose();
        return new PartResult(last[0].LogProbabilities, gradients);
    }

    private static (ParameterMap, Tensor, float[][]) Rank(
        ModelParameters part, ParallelLayout layout, int rank, ICollective world, Dictionary<string, Tensor> tensors, ScalarType type, IReadOnlyList<SlotBatch> batches,
        bool recompute, Func<ICollective, IShardSum> join, Func<ParameterMap, BlockKernels>? kernels, bool split)
    {
        TorchRuntime.EnterRankThread();
        using var scope = NewDisposeScope();
        ModelWeights weights = FlatTensors.Part(part.Read, tensors, type);
        if (part.Adapter is not null) weights = weights with { Adapters = FlatTensors.Part(part.Trained, tensors, type) };
        var group = part.Read.Part.TensorDegree == 1 ? AllShardsHere.Instance : join(world.Group(layout.TensorGroup(rank)));
        using var model = new DecoderModel(part, weights, recompute, group, kernels?.Invoke(part.Read), split);
        int? previous = layout.Neighbour(rank, -1), next = layout.Neighbour(rank, 1);
        var (sum, one) = (zeros([part.Trained.Length]), full([part.Trained.Length], 7f));
        var alive = new List<Activations>();
        var logProbabilities = new List<float[]>();
        // All batches forward before the first goes back: as many activations are alive as a pipeline can ask for.
        foreach (var batch in batches)
        {
            Tensor? input = previous is null ? null : Receive(previous.Value, model.ShareOf(batch));
            alive.Add(model.Forward(batch, keep: true, input));
            // The model has its own copy.
            input?.fill_(float.NaN);
            if (next is not null) Send(next.Value, alive[^1].Output_SD);
        }
        for (var i = 0; i < batches.Count; i++)
        {
            if (next is not null)
            {
                var gradient = Receive(next.Value, model.ShareOf(batches[i]));
                model.BackwardStage(alive[i], gradient, one);
            }
            else
            {
                using var before = model.LogProbabilities(alive[i]);
                var after = model.Backward(alive[i], TinyModel.Coefficients(batches[i]), one).data<float>().ToArray();
                Xunit.Assert.Equal(before.data<float>().ToArray(), after);
                logProbabilities.Add(after);
            }
            if (previous is not null) Send(previous.Value, alive[i].InputGradient_SD);
            alive[i].Dispose();
            sum.add_(one);
        }
        return (part.Trained, sum.MoveToOuterDisposeScope().DetachFromDisposeScope(), [.. logProbabilities]);

        Tensor Receive(int from, long rows)
        {
            var stream = empty([rows, part.Config.HiddenSize], dtype: type);
            unsafe { world.Receive(from, (nint)Aten.Address<byte>(stream), stream.bytes.Length, Deadline); }
            return stream;
        }

        void Send(int to, Tensor stream)
        {
            unsafe { world.Send(to, (nint)Aten.Address<byte>(stream), stream.bytes.Length, Deadline); }
        }
    }

    /// <summary>The tree over a group's ranks.</summary>
    public sealed class GroupSum(ICollective group) : IShardSum
    {
        public bool Alone => false;

        public void Sum(Tensor partial) => Reduce(partial, ReduceOperation.Sum);

        public void Max(Tensor partial) => Reduce(partial, ReduceOperation.Max);

        public unsafe void GatherRows(Tensor rows)
        {
            Xunit.Assert.True(rows.is_contiguous());
            var rowBytes = rows.numel() * rows.element_size() / rows.shape[0];
            group.AllGather((nint)Aten.Address<byte>(rows), RowShares.All(rows.shape[0], rowBytes, group.Size), Deadline);
        }

        private unsafe void Reduce(Tensor partial, ReduceOperation operation)
        {
            Xunit.Assert.True(partial.is_contiguous());
            var type = partial.dtype == ScalarType.Float32 ? ElementType.Float32 : ElementType.BFloat16;
            group.AllReduce((nint)Aten.Address<byte>(partial), partial.numel(), type, operation, Deadline);
        }
    }
}
