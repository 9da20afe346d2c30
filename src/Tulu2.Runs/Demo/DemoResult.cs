namespace Tulu2.Runs.Demo;

/// <summary>The last line of <c>demo --json</c>; all rates in [0, 1].</summary>
internal sealed record DemoResult(double Seconds, ExactMatchRates ExactMatch, PreferenceRates PreferenceAccuracy, string Report, string Export);

/// <summary>Held-out exact match of the three models.</summary>
internal sealed record ExactMatchRates(double Untrained, double Sft, double Dpo);

/// <summary>Held-out preference accuracy before and after DPO.</summary>
internal sealed record PreferenceRates(double Sft, double Dpo);
