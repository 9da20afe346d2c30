using System.Globalization;

namespace Tulu2.Evaluation.Reporting;

/// <summary>Points in time for people, in UTC.</summary>
internal static class Times
{
    public static string Minute(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    public static string Second(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary>From the first to the second; the day once where it is the same.</summary>
    public static string Span(DateTimeOffset from, DateTimeOffset to) => from.UtcDateTime.Date == to.UtcDateTime.Date
        ? $"{Minute(from)} to {to.UtcDateTime.ToString("HH:mm", CultureInfo.InvariantCulture)} UTC"
        : $"{Minute(from)} to {Minute(to)} UTC";
}
