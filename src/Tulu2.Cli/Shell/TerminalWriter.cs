using System.Text;

namespace Tulu2.Cli.Shell;

/// <summary>Writes to a terminal that may be closed: what cannot be printed is dropped, and the run goes on to its checkpoint.</summary>
internal sealed class TerminalWriter(TextWriter inner) : TextWriter
{
    // EIO: the terminal is gone.
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
