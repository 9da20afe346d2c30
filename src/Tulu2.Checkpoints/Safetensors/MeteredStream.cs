using System.Security.Cryptography;

namespace Tulu2.Checkpoints.Safetensors;

/// <summary>Writes to another stream, counting the bytes and optionally hashing them.</summary>
internal sealed class MeteredStream(Stream inner, IncrementalHash? hash = null) : PassingStream(inner)
{
    /// <summary>Bytes written since the start, or since this was last set.</summary>
    public long Count { get; set; }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        hash?.AppendData(buffer);
        Count += buffer.Length;
        Inner.Write(buffer);
    }
}
