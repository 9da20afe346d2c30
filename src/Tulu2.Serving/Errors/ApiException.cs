using Microsoft.AspNetCore.Http;
using Tulu2.Evaluation.Generation;
using Tulu2.Files;

namespace Tulu2.Serving.Errors;

/// <summary>A request is answered with an error in the shape of the OpenAI API.</summary>
/// <param name="status">HTTP status.</param>
/// <param name="parameter">The field of the request at fault; null: none in particular.</param>
/// <param name="code">For programs, such as <c>model_not_found</c>.</param>
internal sealed class ApiException(int status, string message, string? parameter, string? code, Exception? inner = null) : Exception(message, inner)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    public int Status { get; } = status;
    public string? Parameter { get; } = parameter;
    public string? Code { get; } = code;

    /// <summary>When the client should try again; null: the same request would fail again.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary><c>type</c> of the OpenAI API.</summary>
    public string Type => Status switch
    {
        StatusCodes.Status401Unauthorized => "authentication_error",
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        >= 500 => "server_error",
        _ => "invalid_request_error",
    };

    public static ApiException Invalid(string message, string? parameter, string code = "invalid_value") =>
        new(StatusCodes.Status400BadRequest, message, parameter, code);

    public static ApiException Busy(string message, Exception? inner = null) =>
        new(StatusCodes.Status429TooManyRequests, message, null, "rate_limit_exceeded", inner) { RetryAfter = Soon };

    public static ApiException Stopping() =>
        new(StatusCodes.Status503ServiceUnavailable, "The server is stopping.", null, "server_stopping") { RetryAfter = Soon };

    /// <summary>The error that a client sees; what it may not see, an unexpected one, has status 500 and no details.</summary>
    public static ApiException Of(Exception error) => error switch
    {
        ApiException known => known,
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => new(StatusCodes.Status413PayloadTooLarge,
            "The request's body is larger than this server takes.", null, "request_too_large", error),
        BadHttpRequestException bad => new(bad.StatusCode, bad.Message, null, "bad_request", error),
        BadInputException bad => new(StatusCodes.Status400BadRequest, $"{bad.Where} {bad.What}; {bad.Fix}.", bad.Where, "invalid_value", error),
        EngineBusyException busy => Busy($"The server is overloaded: {busy.Waiting} requests wait already. Try again later.", busy),
        ModelLostException => new(StatusCodes.Status503ServiceUnavailable, "A process that holds a part of the model is gone. Try again later.", null, "model_unavailable", error)
        {
            RetryAfter = Soon,
        },
        ObjectDisposedException => Stopping(),
        _ => new(StatusCodes.Status500InternalServerError, "The server had an error while it processed the request.", null, "internal_error", error),
    };
}
