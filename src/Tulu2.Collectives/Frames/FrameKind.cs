namespace Tulu2.Collectives.Frames;

/// <summary>What a frame carries. The numbers are the wire format.</summary>
internal enum FrameKind : ushort
{
    /// <summary>A piece of an all-gather, broadcast or barrier. Argument: total number of bytes the sender contributes.</summary>
    Copy = 1,

    /// <summary>Summands of one chunk of a reduction. Argument: the chunk's first element.</summary>
    Summands,

    /// <summary>One chunk of a reduction's result. Argument: the chunk's first element.</summary>
    Result,

    /// <summary>A piece of a message from one rank to another. Argument: size of the whole message in bytes.</summary>
    Message,

    /// <summary>Control: the sender leaves in an orderly way.</summary>
    Goodbye,

    /// <summary>Control: the generation is over. Payload: the reason.</summary>
    Abort,

    /// <summary>Control: the sender needs a link that the receiver has to connect. Payload: its key.</summary>
    Open,

    /// <summary>Control: a full ring has room again.</summary>
    Room,
}
