using System.Globalization;

namespace Tulu2.Evaluation.Reporting;

/// <summary>Formats points in time for display, in UTC.</summary>
internal static class Times
{
    public static string Minute(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    public static string Second(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary>A time span; the date appears once if both ends are on the same day.</summary>
    public static string Span(DateTimeOffset from, DateTimeOffset to) => from.UtcDateTime.Date == to.UtcDateTime.Date
        ? $"{Minute(from)} to {to.UtcDateTime.ToString("HH:mm", CultureInfo.InvariantCulture)} UTC"
        : $"{Minute(from)} to {Minute(to)} UTC";
}
