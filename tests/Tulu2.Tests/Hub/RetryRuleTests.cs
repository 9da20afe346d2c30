using Tulu2.Hub.Http;
using Tulu2.Hub.References;
using Tulu2.Hub.Settings;
using Xunit;

namespace Tulu2.Tests.Hub;

public class RetryRuleTests
{
    private static readonly HubSettings Anonymous = new() { Endpoint = "https://hub.example", CacheDirectory = "/c" };

    [Theory]
    [InlineData(200, true, Verdict.Take)]
    [InlineData(206, false, Verdict.Take)]
    [InlineData(408, true, Verdict.Again)]
    [InlineData(429, true, Verdict.Again)]
    [InlineData(500, false, Verdict.Again)]
    [InlineData(503, true, Verdict.Again)]
    [InlineData(416, true, Verdict.AgainFromHub)]
    [InlineData(403, false, Verdict.AgainFromHub)]
    [InlineData(404, false, Verdict.AgainFromHub)]
    [InlineData(401, true, Verdict.Refuse)]
    [InlineData(403, true, Verdict.Refuse)]
    [InlineData(404, true, Verdict.Refuse)]
    internal void An_answer_is_judged_by_its_status_and_where_it_comes_from(int status, bool isHub, Verdict verdict) =>
        Assert.Equal(verdict, RetryRule.Judge(new HubAnswer(status, isHub)));

    [Fact]
    public void Waits_double_and_the_servers_wish_comes_first()
    {
        Assert.Equal([0.5, 1, 2, 4, 8, 16, 30, 30], Enumerable.Range(1, 8).Select(failures => RetryRule.Wait(failures, null, 0.5).TotalSeconds));
        Assert.Equal(0.375, RetryRule.Wait(1, null, 0).TotalSeconds);
        Assert.Equal(60, RetryRule.Wait(1, TimeSpan.FromSeconds(60), 0.5).TotalSeconds);
        Assert.Equal(30, RetryRule.Wait(500, TimeSpan.Zero, 0.5).TotalSeconds);
    }

    [Fact]
    public void Retry_after_is_seconds_or_a_date_and_a_rate_limit_is_read_too()
    {
        var now = new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero);
        TimeSpan? Wait(string name, string value)
        {
            using var response = new HttpResponseMessage { Headers = { { name, value } } };
            return HubAnswer.Of(response, true, now).Wait;
        }
        Assert.Equal(TimeSpan.FromSeconds(7), Wait("Retry-After", "7"));
        Assert.Equal(TimeSpan.FromMinutes(1), Wait("Retry-After", "Mon, 01 Jan 2024 00:01:00 GMT"));
        Assert.Equal(TimeSpan.Zero, Wait("Retry-After", "Sun, 31 Dec 2023 00:00:00 GMT"));
        Assert.Equal(TimeSpan.FromSeconds(55), Wait("RateLimit", "\"api\";r=0;t=55"));
        Assert.Null(Wait("RateLimit", "\"api\";r=10;t=55"));
    }

    [Theory]
    [InlineData(403, "GatedRepo", null, "gated", "accept it at https://hub.example/org/name, and set HF_TOKEN")]
    [InlineData(401, null, null, "private or gated", "set HF_TOKEN")]
    [InlineData(401, null, "Invalid credentials in Authorization header", "does not accept the token", "settings/tokens")]
    [InlineData(404, "RevisionNotFound", null, "no revision 'main'", "https://hub.example/org/name/refs")]
    [InlineData(404, "EntryNotFound", null, "no such file", "https://hub.example/org/name/tree/main")]
    [InlineData(404, "RepoNotFound", null, "no such repository", "check the name")]
    [InlineData(403, null, "Access to this resource is disabled.", "forbids it: Access to this resource is disabled", "HF_TOKEN")]
    [InlineData(410, null, null, "answers 410", "HF_ENDPOINT")]
    public void A_refusal_says_what_to_do(int status, string? code, string? message, string what, string fix)
    {
        var refusal = Refusal.Of(new HubAnswer(status, true, code, message), HubReference.ParseUri("hf://org/name"), null, Anonymous);
        Assert.Contains(what, refusal.What);
        Assert.Contains(fix, refusal.Fix);
    }

    [Fact]
    public void Whose_token_is_gated_is_told_so() => Assert.Contains("account of the token has no access",
        Refusal.Of(new HubAnswer(403, true, "GatedRepo"), HubReference.ParseUri("hf://org/name"), null, Anonymous with { Token = "t" }).What);

    [Theory]
    [InlineData("\"abc\"", "abc")]
    [InlineData("W/\"abc\"", "abc")]
    [InlineData("abc", "abc")]
    public void A_tag_is_read_without_its_quotes(string header, string tag) => Assert.Equal(tag, FileFacts.Normalized(header));
}
