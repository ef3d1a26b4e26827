from __future__ import annotations

import pytest

from stream_rcf.errors import UsageError
from stream_rcf.state.bucket_url import BucketUrl, parse_bucket_url


@pytest.mark.parametrize(
    ("url", "parsed", "shown"),
    [
        ("s3://bucket", BucketUrl("s3", "bucket", ""), "s3://bucket"),
        ("s3://bucket/", BucketUrl("s3", "bucket", ""), "s3://bucket"),
        ("s3://bucket/a/b", BucketUrl("s3", "bucket", "a/b"), "s3://bucket/a/b"),
        ("S3://my.old_Bucket-1/a/", BucketUrl("s3", "my.old_Bucket-1", "a"), "s3://my.old_Bucket-1/a"),
        ("gs://bucket/a%20b%23c", BucketUrl("gs", "bucket", "a b#c"), "gs://bucket/a b#c"),
        ("az://container/prefix", BucketUrl("az", "container", "prefix"), "az://container/prefix"),
    ],
)
def test_a_url_names_a_bucket_and_a_prefix(url, parsed, shown):
    assert parse_bucket_url(url) == parsed
    assert str(parsed) == shown


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://AKIDSECRET:SECRET@bucket/prefix", "something before an @"),
        ("s3://SECRET@bucket", "something before an @"),
        ("s3://AKIDSECRET:SECRET/bucket", "nothing else"),
        ("az://container/prefix?sv=2020&sig=SECRET", "a query or a fragment"),
        ("gs://bucket/prefix#SECRET", "a query or a fragment"),
        ("s3://bucket:SECRET/prefix", "nothing else"),
        ("s3://[SECRET", "is not a URL"),
        ("s3:bucketSECRET", "names no bucket"),
        ("s3:/bucketSECRET", "names no bucket"),
        ("s3:", "names no bucket"),
        ("s3:///SECRET", "names no bucket"),
        ("s3://b", "3 or more letters"),
        ("s3://bucket/a//SECRET", "an empty step"),
        ("s3://bucket/../SECRET", "a step of dots"),
        ("s3://bucket/SECRET%00", "cannot be printed"),
        ("ftp://bucket/SECRET", "begins with one of s3, gs, az"),
    ],
)
def test_any_other_url_is_refused_with_an_example_and_not_repeated(url, message):
    with pytest.raises(UsageError, match=message) as failure:
        parse_bucket_url(url)
    assert "SECRET" not in str(failure.value)
    assert failure.value.__context__ is None
