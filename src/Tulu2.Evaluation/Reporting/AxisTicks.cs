using System.Globalization;

namespace Tulu2.Evaluation.Reporting;

/// <summary>The limits of an axis, and its labelled ticks at round numbers (1, 2 or 5 times a power of ten).</summary>
internal sealed record AxisTicks(double Low, double High, IReadOnlyList<double> Positions, IReadOnlyList<string> Labels)
{
    /// <summary>A linear axis that contains [low, high].</summary>
    /// <param name="wanted">Approximate number of ticks.</param>
    /// <param name="snap">Extend the limits to the next ticks.</param>
    /// <param name="whole">Place ticks at whole numbers only (steps, counts).</param>
    public static AxisTicks For(double low, double high, int wanted, bool snap, bool whole = false)
    {
        if (!double.IsFinite(low) || !double.IsFinite(high)) (low, high) = (0, 1);
        if (high <= low)
        {
            var half = low == 0 ? 0.5 : Math.Abs(low) * 0.1;
            (low, high) = whole ? (low - 1, high + 1) : (low - half, high + half);
        }
        var interval = RoundInterval((high - low) / Math.Max(1, wanted));
        if (whole) interval = Math.Max(1, Math.Round(interval));
        const double slack = 1e-9;
        long first = (long)(snap ? Math.Floor(low / interval + slack) : Math.Ceiling(low / interval - slack));
        long last = (long)(snap ? Math.Ceiling(high / interval - slack) : Math.Floor(high / interval + slack));
        var positions = Enumerable.Range(0, (int)(last - first + 1)).Select(i => (first + i) * interval).ToList();
        if (snap) (low, high) = (first * interval, last * interval);
        return new AxisTicks(low, high, positions, [.. positions.Select(p => Label(p, interval))]);
    }

    /// <summary>
    /// A logarithmic axis that contains [low, high], both above 0. Limits and positions are base-10 logarithms; labels are the numbers themselves.
    /// </summary>
    public static AxisTicks Logarithmic(double low, double high)
    {
        if (!(low > 0) || !double.IsFinite(high) || high < low) (low, high) = (1, 10);
        if (high <= low) (low, high) = (low / 1.1, high * 1.1);
        var (from, to) = (Math.Log10(low), Math.Log10(high));
        var margin = (to - from) * 0.04;
        (from, to) = (from - margin, to + margin);
        var ticks = to - from < 1 ? WithinADecade(from, to) : Decades(from, to);
        return new AxisTicks(from, to, [.. ticks.Select(tick => Math.Log10(tick.Value))], [.. ticks.Select(tick => tick.Label)]);
    }

    private static List<(double Value, string Label)> WithinADecade(double lowest, double highest)
    {
        var even = For(Math.Pow(10, lowest), Math.Pow(10, highest), 5, snap: false);
        return [.. even.Positions.Zip(even.Labels).Where(tick => tick.First > 0)];
    }

    private static List<(double Value, string Label)> Decades(double lowest, double highest)
    {
        int[] leads = highest - lowest < 2.5 ? [1, 2, 5] : [1];
        var first = (int)Math.Floor(lowest);
        var decades = Enumerable.Range(first, (int)Math.Ceiling(highest) - first + 1).Select(power => Math.Pow(10, power));
        return
        [
            .. decades.SelectMany(decade => leads.Select(lead => (Value: lead * decade, Label: Label(lead * decade, decade))))
                .Where(tick => Math.Log10(tick.Value) >= lowest && Math.Log10(tick.Value) <= highest),
        ];
    }

    /// <summary>An interval near <paramref name="rough"/> that is 1, 2 or 5 times a power of ten.</summary>
    private static double RoundInterval(double rough)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        var lead = rough / power;
        return (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10) * power;
    }

    /// <summary>A number with just enough digits to distinguish neighbouring ticks.</summary>
    private static string Label(double value, double interval)
    {
        if (value == 0) return "0";
        var exponent = (int)Math.Floor(Math.Log10(Math.Abs(value)) + 1e-9);
        var digits = (int)Math.Floor(Math.Log10(interval) + 1e-9);
        if (exponent is < -4 or > 6)
            return (value / Math.Pow(10, exponent)).ToString($"F{Math.Max(0, exponent - digits)}", CultureInfo.InvariantCulture) + "e" + exponent.ToString(CultureInfo.InvariantCulture);
        return value.ToString($"N{Math.Max(0, -digits)}", CultureInfo.InvariantCulture);
    }
}
