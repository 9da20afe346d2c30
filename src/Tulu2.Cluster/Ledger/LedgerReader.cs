using Tulu2.Files;

namespace Tulu2.Cluster.Ledger;

/// <summary>Reads the log of a run.</summary>
public static class LedgerReader
{
    /// <summary>The log's name in the <c>ledger/</c> directory.</summary>
    public const string FileName = "log.jsonl";

    /// <summary>All entries in order. A last line that a killed process left unfinished is passed over.</summary>
    /// <param name="ledgerDirectory">The <c>ledger/</c> directory of a run.</param>
    /// <exception cref="BadInputException">There is no log, or a line of it was altered.</exception>
    public static IReadOnlyList<LedgerEntry> Read(string ledgerDirectory)
    {
        var path = Path.Combine(ledgerDirectory, FileName);
        if (!File.Exists(path)) throw new BadInputException(path, "there is no ledger", "name the directory of a run that has begun");
        var scan = Scan(path);
        return scan.Damage is { } damage ? throw damage.At(path) : scan.Entries;
    }

    /// <summary>The entries before the first altered one, for display; none where there is no log.</summary>
    public static IReadOnlyList<LedgerEntry> ReadSound(string ledgerDirectory)
    {
        var path = Path.Combine(ledgerDirectory, FileName);
        return File.Exists(path) ? Scan(path).Entries : [];
    }

    internal static LedgerScan Scan(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var entries = new List<LedgerEntry>();
        var sum = LedgerLine.Origin;
        var begin = 0;
        while (begin < bytes.Length)
        {
            var length = bytes.AsSpan(begin).IndexOf((byte)'\n');
            // No end of line: the process was killed while it wrote, before anybody was told that the entry is durable.
            if (length < 0) break;
            var (entry, next, fault) = LedgerLine.Read(System.Text.Encoding.UTF8.GetString(bytes, begin, length), sum);
            if (entry is null)
            {
                // A torn batch: neither this line nor any behind it is whole. A whole one means that somebody altered the log.
                if (!IsWhole(bytes.AsSpan(begin, length)) && bytes.AsSpan(begin + length + 1).IndexOf("\"}\n"u8) < 0) break;
                return new LedgerScan(entries, sum, begin, new LedgerDamage(entries.Count + 1, fault!));
            }
            if (entry.Number != entries.Count + 1) return new LedgerScan(entries, sum, begin, new LedgerDamage(entries.Count + 1, $"has the number {entry.Number}"));
            entries.Add(entry);
            sum = next;
            begin += length + 1;
        }
        return new LedgerScan(entries, sum, begin, null);
    }

    // What the disk had not yet taken when the power went reads as zeros.
    private static bool IsWhole(ReadOnlySpan<byte> line) => line.EndsWith("\"}"u8) && !line.Contains((byte)0);
}

/// <param name="Sum">After the last entry.</param>
/// <param name="SoundBytes">Where the sound part of the file ends.</param>
/// <param name="Damage">Null: what is behind it, if anything, is what a killed process left unfinished.</param>
internal sealed record LedgerScan(IReadOnlyList<LedgerEntry> Entries, string Sum, long SoundBytes, LedgerDamage? Damage);

/// <summary>A line of the log was altered, or one before it taken out.</summary>
internal sealed record LedgerDamage(int Line, string Fault)
{
    public BadInputException At(string path) => new($"{path}:{Line}", $"this line of the ledger {Fault}",
        "resume the run: it keeps the lines before, says what is lost, and sets the damaged file aside; or restore the file from a copy");
}
