// B sequences, V key-value heads, L cache positions, K head size, D hidden, C vocabulary, X cache rows.
using Tulu2.Data.Slots;
using Tulu2.Models.Kernels;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Decoder;

/// <summary>
/// Generation with a key-value cache: a batch of sequences of unequal lengths, one new token each per step. Rows come and go: <see cref="Prefill"/> appends
/// sequences after those that are there, <see cref="Remove"/> takes finished ones out. A sequence's logits do not depend on its neighbours. One thread
/// at a time; the model must outlive the session.
/// </summary>
public sealed class DecodingSession : IDisposable
{
    /// <summary>fp32 products with fewer rows take other kernels; the whole model's bits are all that matters here.</summary>
    private const int FewestRows = 4;

    private readonly DecoderModel _model;
    private readonly Workspace _workspace;
    private readonly Tensor[] _keys_XVLK, _values_XVLK;
    private readonly Stack<int> _freeSlots;
    private readonly List<(int Slot, int Length)> _rows = [];

    /// <param name="maxBatch">Sequences at a time, at most.</param>
    /// <param name="maxLength">Tokens of a sequence, prompt included, at most.</param>
    public DecodingSession(DecoderModel model, int maxBatch, int maxLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBatch, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 1);
        if (!model.Parameters.Read.IsWhole) throw new ArgumentException("generation needs a whole model, not a rank's part of one", nameof(model));
        _model = model;
        MaxLength = maxLength;
        MaxBatch = maxBatch;
        _workspace = new Workspace(model.Type, model.Device);
        _freeSlots = new Stack<int>(Enumerable.Range(0, maxBatch).Reverse());
        _keys_XVLK = Caches();
        _values_XVLK = Caches();

        Tensor[] Caches() => [.. Enumerable.Range(0, model.Config.Layers).Select(_ =>
            empty([maxBatch, model.Config.KeyValueHeads, maxLength, model.Config.HeadSize], dtype: model.Type, device: model.Device).DetachFromDisposeScope())];
    }

    public int MaxBatch { get; }
    public int MaxLength { get; }

    /// <summary>Sequences in the session.</summary>
    public int Count => _rows.Count;

    /// <summary>Tokens of each sequence that are in the cache.</summary>
    public IReadOnlyList<int> Lengths => [.. _rows.Select(row => row.Length)];

    /// <summary>Appends sequences and runs their prompts in one pass.</summary>
    /// <returns>[B, C] fp32: the logits after each new prompt's last token. The caller disposes it.</returns>
    /// <exception cref="ArgumentException">An empty prompt, one longer than <see cref="MaxLength"/>, or more sequences than <see cref="MaxBatch"/>.</exception>
    public Tensor Prefill(IReadOnlyList<int[]> prompts)
    {
        if (prompts.Count == 0) throw new ArgumentException("no prompt");
        if (prompts.Count > _freeSlots.Count) throw new ArgumentException($"{prompts.Count} prompts for {_freeSlots.Count} free rows");
        if (prompts.FirstOrDefault(prompt => prompt.Length == 0 || prompt.Length > MaxLength) is { } bad)
            throw new ArgumentException($"a prompt of {bad.Length} tokens; 1..{MaxLength} fit");
        int[] lengths = [.. prompts.Select(prompt => prompt.Length)];
        var ends = new int[lengths.Length];
        for (var i = 0; i < ends.Length; i++) ends[i] = (i == 0 ? 0 : ends[i - 1] + 1) + lengths[i] - 1;
        var batch = new SlotBatch(
            0, 0, [.. prompts.SelectMany(prompt => prompt)], [.. lengths.SelectMany(length => Enumerable.Range(0, length))], lengths,
            ends, new int[lengths.Length], [.. Enumerable.Range(0, lengths.Length)], [], lengths.Sum());
        int[] slots = [.. lengths.Select(_ => _freeSlots.Pop())];
        var starts = new Dictionary<int, int>();
        for (var i = 0; i < ends.Length; i++) starts.Add(ends[i] - lengths[i] + 1, slots[i]);

        using var scope = NewDisposeScope();
        using var activations = _model.Forward(batch, keep: false, null, (layer, tape, groups) =>
        {
            foreach (var group in groups)
                for (var b = 0; b < group.Starts.Length; b++)
                {
                    // A short batch ends with a filler segment, which is no sequence of the session.
                    if (!starts.TryGetValue(group.Starts[b], out var slot)) continue;
                    using var inner = NewDisposeScope();
                    var (_, k_VTK, v_VTK, _) = tape.Attention.Matrices(
                        _model.Context.Heads, new AttentionTile(group, b, 1, 0, _model.Config.KeyValueHeads, 0, group.Length));
                    _keys_XVLK[layer][slot].narrow(1, 0, group.Length).copy_(k_VTK);
                    _values_XVLK[layer][slot].narrow(1, 0, group.Length).copy_(v_VTK);
                }
        });
        for (var i = 0; i < lengths.Length; i++) _rows.Add((slots[i], lengths[i]));
        return Logits(activations.Hidden_RD, lengths.Length).MoveToOuterDisposeScope();
    }

    /// <summary>Appends one token to every sequence.</summary>
    /// <param name="nextIds">[B] in the order of the rows.</param>
    /// <returns>[B, C] fp32: the logits after it. The caller disposes it.</returns>
    /// <exception cref="ArgumentException">Not one id per sequence.</exception>
    /// <exception cref="InvalidOperationException">No sequence, or one has reached <see cref="MaxLength"/>.</exception>
    public Tensor Step(int[] nextIds)
    {
        if (nextIds.Length != _rows.Count) throw new ArgumentException($"{nextIds.Length} ids for {_rows.Count} sequences");
        if (_rows.Count == 0) throw new InvalidOperationException("no sequence");
        if (_rows.Any(row => row.Length >= MaxLength)) throw new InvalidOperationException($"a sequence has reached {MaxLength} tokens");
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        _workspace.Reset();
        var config = _model.Config;
        var rows = Math.Max(nextIds.Length, FewestRows);
        int[] slots = [.. _rows.Select(row => row.Slot)], lengths = [.. _rows.Select(row => row.Length)];
        Tensor x_BD = _workspace.Rent(rows, config.HiddenSize), other_BD = _workspace.Rent(rows, config.HiddenSize);
        var tape = BlockTape.Rent(_model.Context, rows, rows, _workspace, rows);
        tape.Attention.Output_NQ.zero_();
        _model.GatherEmbeddings(nextIds, x_BD);
        for (var layer = 0; layer < config.Layers; layer++)
        {
            _model.Blocks[layer].Decode(x_BD, slots, lengths, _keys_XVLK[layer], _values_XVLK[layer], tape, other_BD, _workspace);
            (x_BD, other_BD) = (other_BD, x_BD);
        }
        _model.LastNorm(x_BD, other_BD, tape.Scale1_N);
        for (var i = 0; i < _rows.Count; i++) _rows[i] = (_rows[i].Slot, _rows[i].Length + 1);
        return Logits(other_BD, nextIds.Length).MoveToOuterDisposeScope();
    }

    /// <summary>Takes sequences out; those after them move up. Nothing is copied.</summary>
    /// <param name="rows">Row numbers as of now, in any order.</param>
    public void Remove(IReadOnlyCollection<int> rows)
    {
        foreach (var row in rows.Distinct().OrderDescending())
        {
            _freeSlots.Push(_rows[row].Slot);
            _rows.RemoveAt(row);
        }
    }

    private Tensor Logits(Tensor hidden_BD, int count)
    {
        var logits_BC = empty([hidden_BD.shape[0], _model.Head.Columns], dtype: _model.Type, device: _model.Device);
        _model.Head.Logits(hidden_BD, logits_BC, _workspace);
        return logits_BC.narrow(0, 0, count).narrow(1, 0, _model.Config.VocabularySize).to_type(ScalarType.Float32);
    }

    public void Dispose()
    {
        foreach (var cache in _keys_XVLK.Concat(_values_XVLK)) cache.Dispose();
        _workspace.Dispose();
    }
}
