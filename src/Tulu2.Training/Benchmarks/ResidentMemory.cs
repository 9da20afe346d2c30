namespace Tulu2.Training.Benchmarks;

/// <summary>This process's resident memory, from Linux's <c>/proc</c>.</summary>
internal static class ResidentMemory
{
    private const string Status = "/proc/self/status", ClearReferences = "/proc/self/clear_refs";

    /// <summary>Current bytes.</summary>
    public static long Now() => Read("VmRSS:");

    /// <summary>Current bytes of code and other file-backed pages.</summary>
    public static long OfFiles() => Read("RssFile:");

    /// <summary>Peak bytes since <see cref="ForgetPeak"/>.</summary>
    public static long Peak() => Read("VmHWM:");

    /// <exception cref="PlatformNotSupportedException">Not on Linux.</exception>
    public static void ForgetPeak()
    {
        if (!File.Exists(ClearReferences)) throw new PlatformNotSupportedException("resident memory is read from Linux's /proc");
        // 5: see proc(5), clear_refs.
        File.WriteAllText(ClearReferences, "5");
    }

    private static long Read(string field)
    {
        foreach (var line in File.ReadLines(Status))
            if (line.StartsWith(field, StringComparison.Ordinal))
                return 1024 * long.Parse(line[field.Length..].Replace("kB", "").Trim(), System.Globalization.CultureInfo.InvariantCulture);
        throw new InvalidOperationException($"{Status} has no {field}");
    }
}
