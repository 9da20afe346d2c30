// N rows, I inputs and O outputs as this rank holds them, R rank of adapters, P adapted projections of a matrix, V virtual shards of this rank.
using Tulu2.Models.Parameters;

namespace Tulu2.Models.Memory;

/// <summary>
/// What the calls of one linear rent: every line stands for a line of <c>ColumnLinear</c>, <c>RowLinear</c>, <c>QuantizedLinear</c>, <c>ColumnAdapter</c> or
/// <c>RowAdapter</c>.
/// </summary>
internal sealed class LinearMemory
{
    private readonly WorkspaceCount _scratch;
    private readonly Action<long, long> _product;
    private readonly long _inputs, _outputs, _shards, _rank;
    private readonly bool _isRow, _isQuantized, _isTrained, _drops;
    private readonly IReadOnlyList<long> _projections = [];      // their rows in a virtual shard

    /// <param name="key">The matrix.</param>
    /// <param name="product">Told the size of every product.</param>
    public LinearMemory(ModelParameters parameters, string key, WorkspaceCount scratch, Action<long, long> product)
    {
        var map = parameters.MapOf(key);
        var matrix = map[key];
        (_scratch, _product) = (scratch, product);
        (_inputs, _outputs, _shards) = (matrix.Columns, matrix.Rows, map.LocalShards);
        (_isRow, _isQuantized, _isTrained) = (matrix.Split == ShardSplit.Columns, parameters.Quantized?.Find(key) is not null, parameters.Trained.Find(key) is not null);
        if (parameters.Adapter is not { } adapter || parameters.Trained.Find(AdapterTensors.InputKey(key)) is null) return;
        (_rank, _drops) = (adapter.Rank, adapter.Dropout > 0);
        _projections = [.. parameters.Trained.TensorsOf(AdapterTensors.OutputKey(key)).Select(tensor => tensor.Shape[0] / parameters.VirtualShards)];
    }

    private bool HasAdapter => _rank > 0;
    private long Narrow => _rank * _projections.Count;
    private long ShardInputs => _inputs / _shards;

    public void Forward(long rows)
    {
        Within(() =>
        {
            if (_isQuantized) _scratch.Rent(_outputs * _inputs);
            if (_isRow) ShardProducts(rows, _outputs);
            else _product(rows, _outputs);
        });
        if (!HasAdapter) return;
        Within(() =>
        {
            if (_isRow)
            {
                RowNarrow(rows);
                _scratch.Rent(rows * _outputs);
                return;
            }
            if (_drops) _scratch.Rent(rows * _inputs);
            _scratch.Rent(rows * Narrow);
            EachProjection(width => Within(() => _scratch.Rent(rows * width)));
        });
    }

    public void InputGradient(long rows)
    {
        Within(() =>
        {
            if (_isQuantized) _scratch.Rent(_outputs * _inputs);
            if (_isRow) _product(rows, _inputs);
            else ShardProducts(rows, _inputs);
        });
        if (!HasAdapter) return;
        Within(() =>
        {
            NarrowGradient(rows);
            _scratch.Rent(rows * (_isRow ? ShardInputs : _inputs));
        });
    }

    public void WeightGradient(long rows)
    {
        if (_isTrained)
        {
            _product(_outputs, _inputs);
            if (_scratch.ElementBytes != sizeof(float)) Within(() => _scratch.Rent(_outputs * _inputs));
        }
        if (!HasAdapter) return;
        Within(() =>
        {
            if (_isRow)
            {
                RowNarrow(rows);
                Within(() => _scratch.Rent(_outputs * _rank));
                NarrowGradient(rows);
                for (var shard = 0; shard < _shards; shard++)
                    Within(() =>
                    {
                        if (_drops) _scratch.Rent(rows * ShardInputs);
                        _scratch.Rent(_rank * ShardInputs);
                    });
                return;
            }
            if (_drops) _scratch.Rent(rows * _inputs);
            _scratch.Rent(rows * Narrow);
            EachProjection(width => Within(() => _scratch.Rent(width * _rank)));
            NarrowGradient(rows);
            Within(() => _scratch.Rent(Narrow * _inputs));
        });
    }

    /// <summary>The partial products of this rank's virtual shards; the first lies where the sum goes.</summary>
    private void ShardProducts(long rows, long columns)
    {
        _product(rows, columns);
        for (var shard = 1; shard < _shards; shard++) _scratch.Rent(rows * columns);
    }

    private void RowNarrow(long rows)
    {
        _scratch.Rent(rows * _rank);
        Within(() =>
        {
            for (var shard = 0; shard < _shards; shard++)
            {
                if (shard > 0) _scratch.Rent(rows * _rank);
                Within(() =>
                {
                    if (_drops) _scratch.Rent(rows * ShardInputs);
                });
            }
        });
    }

    private void NarrowGradient(long rows)
    {
        _scratch.Rent(rows * Narrow);
        if (_isRow) return;
        Within(() =>
        {
            for (var shard = 1; shard < _shards; shard++) _scratch.Rent(rows * Narrow);
            _scratch.Rent(rows * _rank);
        });
    }

    private void EachProjection(Action<long> each)
    {
        for (var shard = 0; shard < _shards; shard++)
            foreach (var width in _projections) each(width);
    }

    private void Within(Action work)
    {
        var mark = _scratch.Mark();
        work();
        _scratch.Release(mark);
    }
}
