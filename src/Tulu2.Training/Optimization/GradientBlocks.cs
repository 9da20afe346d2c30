using Tulu2.Models.Families;
using Tulu2.Models.Parameters;

namespace Tulu2.Training.Optimization;

/// <summary>Some rows of one virtual shard of a matrix, where they lie in a rank's flat buffer.</summary>
/// <param name="Number">Among the blocks of the whole model.</param>
internal readonly record struct GradientBlock(int Number, long Offset, long Rows, long Columns, long Stride);

/// <summary>
/// The pieces by which a gradient is measured: whole rows within one virtual shard of one matrix. They depend on the model and V alone, so that norm and hash
/// are the same however the model is spread, and no piece ever lies on two ranks. Numbered by matrices in flat order, in each by virtual shards, in each by rows.
/// </summary>
internal sealed class GradientBlocks
{
    private const long FewestElements = 1 << 14;

    // What ranks tell each other of a step grows with the number of blocks: 70B has 66,000 of a million elements.
    private const long MostBlocks = 1 << 16;

    private readonly Dictionary<string, Matrix> _matrices = [];
    private readonly int _shards;

    public GradientBlocks(ModelConfig config, int virtualShards)
    {
        _shards = virtualShards;
        var elements = FewestElements;
        var parameters = config.ParameterCount;
        while (parameters / elements > MostBlocks) elements *= 2;
        foreach (var matrix in new ParameterMap(config, virtualShards).Matrices)
        {
            var shards = matrix.Split == ShardSplit.None ? 1 : virtualShards;
            var rows = matrix.Split == ShardSplit.Rows ? matrix.Rows / virtualShards : matrix.Rows;
            var columns = matrix.Split == ShardSplit.Columns ? matrix.Columns / virtualShards : matrix.Columns;
            var blockRows = Math.Max(1, elements / columns);
            _matrices.Add(matrix.Key, new Matrix(Count, shards, rows, columns, blockRows));
            Count += shards * _matrices[matrix.Key].BlocksPerShard;
        }
    }

    /// <summary>Blocks of the whole model.</summary>
    public int Count { get; private set; }

    /// <summary>In order: (first block, virtual shards, blocks of each) of every matrix.</summary>
    public IEnumerable<(int First, int Shards, int PerShard)> Matrices =>
        _matrices.Values.Select(matrix => (matrix.First, matrix.Shards, matrix.BlocksPerShard));

    /// <summary>The blocks of a part of the model that it speaks for: what all tensor-parallel ranks hold, only the first of them names.</summary>
    public IEnumerable<GradientBlock> Of(ParameterMap part)
    {
        foreach (var matrix in part.Matrices)
        {
            if (matrix.Split == ShardSplit.None && part.Part.TensorPlace > 0) continue;
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

    /// <summary>Where a part may be cut so that no block is, ascending: the same places on all ranks that share matrices.</summary>
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

    /// <param name="Rows">Of a virtual shard.</param>
    /// <param name="Columns">Of a virtual shard.</param>
    private sealed record Matrix(int First, int Shards, long Rows, long Columns, long BlockRows)
    {
        public int BlocksPerShard => (int)((Rows + BlockRows - 1) / BlockRows);
    }
}
