using Tulu2.Checkpoints.Safetensors;
using Tulu2.Files;

namespace Tulu2.Checkpoints;

/// <summary>
/// Writes a large file to another stream as long as its file system has room beside what is left to the ledger: several ranks write at once, and each has looked before it
/// began.
/// </summary>
internal sealed class SparingStream(Stream inner, string directory) : PassingStream(inner)
{
    private const long Interval = 16L << 20;
    private long _unchecked;

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _unchecked += buffer.Length;
        if (_unchecked >= Interval)
        {
            FreeSpace.Check(directory, buffer.Length);
            _unchecked = 0;
        }
        Inner.Write(buffer);
    }
}
