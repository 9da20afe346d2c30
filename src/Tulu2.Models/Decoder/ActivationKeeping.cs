// N rows, S of them this tensor-parallel rank's share, D hidden.
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Decoder;

/// <summary>
/// Where the residual streams of one pass lie, and which activations of its blocks are kept for the backward pass. One object for each pass. Streams that
/// are only worked in belong to the caller's dispose scope, kept ones to the activations.
/// </summary>
internal abstract class ActivationKeeping(BlockContext context, Activations activations, Workspace scratch)
{
    protected BlockContext Context => context;
    protected Activations Activations => activations;

    /// <summary>Working memory of one pass at a time.</summary>
    protected Workspace Scratch => scratch;

    /// <summary>The activations' own memory.</summary>
    protected Workspace Kept => activations.Workspace;
    protected long Rows => activations.Rows;

    /// <summary>[N, D] room for the first block's input.</summary>
    public abstract Tensor Begin();

    /// <summary>Runs a block.</summary>
    /// <returns>[N, D] the block's output.</returns>
    public abstract Tensor Forward(DecoderBlock block, Tensor input_ND);

    /// <summary>After the last block.</summary>
    public virtual void End(Tensor output_ND)
    {
    }

    /// <summary>The last block's output is needed no longer.</summary>
    public virtual void Drop()
    {
    }

    /// <summary>[S, D]: this rank's rows of a stream, for another stage.</summary>
    public abstract Tensor Give(Tensor stream_ND);

    /// <summary>[N, D] room for the residual stream's gradient.</summary>
    public abstract Tensor BeginBackward();

    /// <summary>A block's input and tape, whole, until the caller's dispose scope and mark of the scratch memory end.</summary>
    /// <param name="index">Index of the block in this stage.</param>
    public abstract (Tensor Input_ND, BlockTape Tape) Recall(DecoderBlock block, int index);

    protected Tensor RentStream(Workspace workspace) => workspace.Rent(Rows, context.Width);

    protected BlockTape RentTape(Workspace workspace, long? middleRows = null) =>
        BlockTape.Rent(context, Rows, activations.Tokens.Attended, workspace, middleRows ?? Rows);

    /// <summary>Runs a block with a tape in scratch memory, which is forgotten.</summary>
    protected void ForwardAndForget(DecoderBlock block, Tensor input_ND, Tensor output_ND)
    {
        using var scope = NewDisposeScope();
        var mark = scratch.Mark();
        var tape = RentTape(scratch);
        block.Forward(activations.Tokens, input_ND, tape, output_ND, scratch);
        scratch.Release(mark);
    }

    /// <summary>Fills a tape in scratch memory again.</summary>
    protected BlockTape RecordAgain(DecoderBlock block, Tensor input_ND)
    {
        var tape = RentTape(scratch);
        block.Record(activations.Tokens, input_ND, tape, scratch);
        return tape;
    }
}

/// <summary>Nothing is kept: two streams alternate.</summary>
internal sealed class NothingKept(BlockContext context, Activations activations, Workspace scratch, SharedStreams streams)
    : ActivationKeeping(context, activations, scratch)
{
    private Tensor _next_ND = null!;

    public override Tensor Begin()
    {
        var first_ND = RentStream(Kept);
        _next_ND = RentStream(Kept);
        return first_ND;
    }

    public override Tensor Forward(DecoderBlock block, Tensor input_ND)
    {
        var output_ND = _next_ND;
        ForwardAndForget(block, input_ND, output_ND);
        _next_ND = input_ND;
        return output_ND;
    }

    public override void End(Tensor output_ND) => Activations.Keep(output_ND);

    public override Tensor Give(Tensor stream_ND) => Activations.Keep(streams.Own(stream_ND));

    public override Tensor BeginBackward() => throw NothingWasKept();

    public override (Tensor Input_ND, BlockTape Tape) Recall(DecoderBlock block, int index) => throw NothingWasKept();

    private static InvalidOperationException NothingWasKept() => new("nothing was kept for a backward pass");
}

/// <summary>The whole input of every block is kept, and its tape unless blocks are recomputed.</summary>
internal sealed class WholeStreamsKept(BlockContext context, Activations activations, Workspace scratch, SharedStreams streams, bool recompute)
    : ActivationKeeping(context, activations, scratch)
{
    private readonly List<(Tensor Input_ND, BlockTape? Tape)> _blocks = [];
    private Tensor _last_ND = null!;

    public override Tensor Begin() => RentStream(Kept);

    public override Tensor Forward(DecoderBlock block, Tensor input_ND)
    {
        var output_ND = RentStream(Kept);
        Activations.Keep(input_ND);
        _blocks.Add((input_ND, recompute ? null : ForwardAndKeep(block, input_ND, output_ND)));
        if (recompute) ForwardAndForget(block, input_ND, output_ND);
        return output_ND;
    }

    public override void End(Tensor output_ND) => _last_ND = Activations.Keep(output_ND);

    public override Tensor Give(Tensor stream_ND) => Activations.Keep(streams.Own(stream_ND));

    // The backward pass does not read the last output.
    public override Tensor BeginBackward() => _last_ND;

    public override (Tensor Input_ND, BlockTape Tape) Recall(DecoderBlock block, int index)
    {
        var (input_ND, tape) = _blocks[index];
        return (input_ND, tape ?? RecordAgain(block, input_ND));
    }

    private BlockTape ForwardAndKeep(DecoderBlock block, Tensor input_ND, Tensor output_ND)
    {
        using var scope = NewDisposeScope();
        var tape = Activations.Keep(RentTape(Kept));
        block.Forward(Activations.Tokens, input_ND, tape, output_ND, Scratch);
        return tape;
    }
}

/// <summary>
/// This tensor-parallel rank's share of every residual stream is kept, and the group gathers whole streams in the backward pass, into scratch memory. The
/// rest of a block's tape is kept unless blocks are recomputed.
/// </summary>
internal sealed class SharesKept(BlockContext context, Activations activations, Workspace scratch, SharedStreams streams, bool recompute)
    : ActivationKeeping(context, activations, scratch)
{
    private readonly List<(Tensor Input_SD, BlockTape? Tape)> _blocks = [];
    private Tensor _next_ND = null!;

    public override Tensor Begin()
    {
        var first_ND = RentStream(Scratch);
        _next_ND = RentStream(Scratch);
        return first_ND;
    }

    public override Tensor Forward(DecoderBlock block, Tensor input_ND)
    {
        var output_ND = _next_ND;
        var input_SD = Activations.Keep(streams.Share(input_ND, Kept));
        _blocks.Add((input_SD, recompute ? null : ForwardAndKeep(block, input_ND, output_ND)));
        if (recompute) ForwardAndForget(block, input_ND, output_ND);
        _next_ND = input_ND;
        return output_ND;
    }

    public override void Drop() => Scratch.Release(default);

    public override Tensor Give(Tensor stream_ND) => streams.Lend(stream_ND, Activations);

    public override Tensor BeginBackward()
    {
        streams.BeginPass();
        Scratch.Release(default);
        return RentStream(Scratch);
    }

    public override (Tensor Input_ND, BlockTape Tape) Recall(DecoderBlock block, int index)
    {
        var (input_SD, tape) = _blocks[index];
        var input_ND = streams.Whole(input_SD, Rows);
        return (input_ND, tape is null ? RecordAgain(block, input_ND) : tape with { Middle_ND = streams.Whole(tape.Middle_ND, Rows) });
    }

    private BlockTape ForwardAndKeep(DecoderBlock block, Tensor input_ND, Tensor output_ND)
    {
        using var scope = NewDisposeScope();
        var mark = Scratch.Mark();
        var tape = Activations.Keep(RentTape(Kept, streams.RowsOf(Rows)));
        var whole = tape with { Middle_ND = RentStream(Scratch) };
        block.Forward(Activations.Tokens, input_ND, whole, output_ND, Scratch);
        streams.CopyShare(whole.Middle_ND, tape.Middle_ND);
        Scratch.Release(mark);
        return tape;
    }
}
