using System.Globalization;

namespace Tulu2.Cli.Shell;

/// <summary>Puts what nobody wants to read at the prompt into the terminal's log file. Thread-safe.</summary>
internal sealed class DetailLog(Terminal terminal)
{
    private readonly Lock _gate = new();

    public void Add(string text)
    {
        try
        {
            lock (_gate) File.AppendAllText(terminal.LogFile, $"{DateTimeOffset.Now.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)} {text}\n");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // For people only.
        }
    }
}
