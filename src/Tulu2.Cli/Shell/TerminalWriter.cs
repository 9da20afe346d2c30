using System.Text;

namespace Tulu2.Cli.Shell;

/// <summary>A writer to the terminal that takes no harm when the terminal is closed: a run ends with its checkpoint, not with what it could not say.</summary>
internal sealed class TerminalWriter(TextWriter inner) : TextWriter
{
    // EIO, which a terminal answers that is gone.
    private const int InputOutputError = 5;

    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value) => Try(() => inner.Write(value));

    public override void Write(char[] buffer, int index, int count) => Try(() => inner.Write(buffer, index, count));

    public override void Write(string? value) => Try(() => inner.Write(value));

    public override void WriteLine(string? value) => Try(() => inner.WriteLine(value));

    public override void Flush() => Try(inner.Flush);

    private static void Try(Action write)
    {
        try
        {
            write();
        }
        catch (IOException gone) when ((gone.HResult & 0xFFFF) == InputOutputError)
        {
        }
    }
}
