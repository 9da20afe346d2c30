using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Decoder;

/// <summary>
/// The results of a forward pass that the log-probabilities and the backward pass need. Dispose returns its memory to the model. Not thread-safe.
/// </summary>
public sealed class Activations : IDisposable
{
    private readonly Action<Workspace> _giveBack;
    private readonly List<Tensor> _kept = [];
    private readonly List<Tensor> _lent = [];
    private string? _lost;
    private bool _disposed;

    internal Activations(Workspace workspace, Action<Workspace> giveBack, TokenRows tokens, int[] ids, int[] scoredRows, int[] targets, int scored)
    {
        Workspace = workspace;
        _giveBack = giveBack;
        Tokens = tokens;
        Ids = ids;
        ScoredRows = scoredRows;
        Targets = targets;
        Scored = scored;
    }

    /// <summary>N: the batch's rows, filler included.</summary>
    public int Rows => Tokens.Count;

    /// <summary>
    /// [S, D], not on the last stage: this rank's share of the residual stream, for the next one. Valid until the backward pass, or disposal; where
    /// activations are split, only until the model's next pass.
    /// </summary>
    public Tensor Output_SD => Output ?? throw new InvalidOperationException(_lost ?? "the last stage has no output but log-probabilities");

    /// <summary>
    /// [S, D], not on the first stage, and after the backward pass: this rank's share of the residual stream's gradient, for the stage before. Valid
    /// until disposal; where activations are split, only until the model's next pass.
    /// </summary>
    public Tensor InputGradient_SD =>
        InputGradient ?? throw new InvalidOperationException(_lost ?? "there is an input gradient after the backward pass of a stage that is not the first");

    internal Tensor? Output { get; set; }
    internal Tensor? InputGradient { get; set; }
    internal Workspace Workspace { get; }
    internal TokenRows Tokens { get; }
    internal int[] Ids { get; }
    internal int[] ScoredRows { get; }

    /// <summary>Target ids of the scored rows, and of the filler rows after them.</summary>
    internal int[] Targets { get; }

    /// <summary>R, without filler.</summary>
    internal int Scored { get; }

    /// <summary>On the last stage: [R and filler, D]: the scored rows before and after the last norm; [R and filler]: its statistic.</summary>
    internal Tensor Last_RD { get; set; } = null!;
    internal Tensor Hidden_RD { get; set; } = null!;
    internal Tensor Scale_R { get; set; } = null!;

    /// <summary>Which activations of the blocks are kept, and where.</summary>
    internal ActivationKeeping Keeping { get; set; } = null!;

    /// <summary>Everything that a backward pass needs was kept, and it has not run yet.</summary>
    internal bool Reversible { get; set; }

    internal Tensor Keep(Tensor tensor)
    {
        _kept.Add(tensor.DetachFromDisposeScope());
        return tensor;
    }

    internal BlockTape Keep(BlockTape tape)
    {
        foreach (var tensor in tape.Tensors) Keep(tensor);
        return tape;
    }

    /// <summary>A stream in memory that the model's next pass uses again.</summary>
    internal Tensor Lend(Tensor stream)
    {
        _lent.Add(stream.DetachFromDisposeScope());
        return stream;
    }

    /// <summary>That pass begins.</summary>
    internal void LoseStreams()
    {
        if (_lent.Count == 0) return;
        foreach (var stream in _lent) stream.Dispose();
        _lent.Clear();
        (Output, InputGradient) = (null, null);
        _lost = "where activations are split, a stream is gone with the model's next pass";
    }

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        LoseStreams();
        foreach (var tensor in _kept) tensor.Dispose();
        _giveBack(Workspace);
    }
}
