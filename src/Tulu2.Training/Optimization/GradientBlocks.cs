using Tulu2.Models.Parameters;

namespace Tulu2.Training.Optimization;

/// <summary>A run of rows of one virtual shard of a matrix, by its address in a rank's flat buffer.</summary>
/// <param name="Number">Number among the blocks of the whole model, from 0.</param>
/// <param name="Offset">Element in the flat buffer at which it starts.</param>
/// <param name="Columns">Columns of the virtual shard.</param>
/// <param name="Stride">Elements from the start of a row to that of the next.</param>
internal readonly record struct GradientBlock(int Number, long Offset, long Rows, long Columns, long Stride);

/// <summary>
/// The blocks over which norm and hash of a gradient are computed: whole rows within one virtual shard of one matrix. They depend only on the model and on the
/// number of virtual shards, so that norm and hash are the same for every layout, and no block is split between ranks. Numbered by matrix in flat order, then
/// by virtual shard, then by row.
/// </summary>
internal sealed class GradientBlocks
{
    private const long FewestElements = 1 << 14;

    // Bounds the bytes that ranks exchange per step: 70B has 66,000 blocks of a million elements.
    private const long MostBlocks = 1 << 16;

    private readonly Dictionary<string, Matrix> _matrices = [];

    /// <param name="trained">What is trained, of the whole model or of a part.</param>
    public GradientBlocks(ParameterMap trained)
    {
        var whole = trained.Of(ModelPart.Whole(trained.Config));
        var virtualShards = whole.VirtualShards;
        var elements = FewestElements;
        var parameters = whole.ParameterCount;
        while (parameters / elements > MostBlocks) elements *= 2;
        foreach (var matrix in whole.Matrices)
        {
            var shards = matrix.Split == ShardSplit.None ? 1 : virtualShards;
            var rows = matrix.Split == ShardSplit.Rows ? matrix.Rows / virtualShards : matrix.Rows;
            var columns = matrix.Split == ShardSplit.Columns ? matrix.Columns / virtualShards : matrix.Columns;
            var blockRows = Math.Max(1, elements / columns);
            _matrices.Add(matrix.Key, new Matrix(Count, shards, rows, columns, blockRows));
            Count += shards * _matrices[matrix.Key].BlocksPerShard;
        }
    }

    /// <summary>Number of blocks of the whole model.</summary>
    public int Count { get; private set; }

    /// <summary>For every matrix, in order: first block, virtual shards, blocks per virtual shard.</summary>
    public IEnumerable<(int First, int Shards, int PerShard)> Matrices =>
        _matrices.Values.Select(matrix => (matrix.First, matrix.Shards, matrix.BlocksPerShard));

    /// <summary>The blocks that the rank with this part measures; blocks of replicated tensors are measured by the first tensor-parallel rank only.</summary>
    public IEnumerable<GradientBlock> Of(ParameterMap part)
    {
        foreach (var matrix in part.Matrices)
        {
            if (matrix.Split == ShardSplit.None && part.Part.TensorIndex > 0) continue;
            var whole = _matrices[matrix.Key];
            for (var shard = 0; shard < Math.Min(whole.Shards, part.LocalShards); shard++)
                for (var block = 0; block < whole.BlocksPerShard; block++)
                {
                    var first = block * whole.BlockRows;
                    var number = whole.First + (whole.Shards == 1 ? 0 : part.FirstShard + shard) * whole.BlocksPerShard + block;
                    var offset = matrix.Split == ShardSplit.Columns
                        ? matrix.Offset + first * matrix.Columns + shard * whole.Columns
                        : matrix.Offset + (shard * whole.Rows + first) * matrix.Columns;
                    yield return new GradientBlock(number, offset, Math.Min(whole.BlockRows, whole.Rows - first), whole.Columns, matrix.Columns);
                }
        }
    }

    /// <summary>Elements at which a part may be cut without cutting a block, ascending; the same on all tensor-parallel ranks.</summary>
    public IEnumerable<long> Borders(ParameterMap part)
    {
        foreach (var matrix in part.Matrices)
        {
            var whole = _matrices[matrix.Key];
            var runs = matrix.Split == ShardSplit.Rows ? Math.Min(whole.Shards, part.LocalShards) : 1;
            for (var run = 0; run < runs; run++)
                for (var block = 0; block < whole.BlocksPerShard; block++)
                    yield return matrix.Offset + (run * whole.Rows + block * whole.BlockRows) * matrix.Columns;
        }
    }

    /// <param name="First">Number of its first block.</param>
    /// <param name="Rows">Rows of a virtual shard.</param>
    /// <param name="Columns">Columns of a virtual shard.</param>
    private sealed record Matrix(int First, int Shards, long Rows, long Columns, long BlockRows)
    {
        public int BlocksPerShard => (int)((Rows + BlockRows - 1) / BlockRows);
    }
}
