"""Website endpoints and virtual-hosted style: what the host decides."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from buckets.configurations import Configuration
from buckets.operations import put_configuration
from tests.servers import LiveStore


@pytest.fixture(scope="module")
def hosting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStore]:
    store = LiveStore(
        tmp_path_factory.mktemp("hosting"),
        OBJECTSTORE_DOMAINS="s3.test",
        OBJECTSTORE_WEBSITE_DOMAINS="site.test",
        OBJECTSTORE_BLOCK_PUBLIC_ACCESS="false",
    )
    store.start()
    yield store
    store.stop()


@pytest.fixture
def site(connect, hosting):
    """A bucket with pages, open to all."""
    s3 = connect(hosting)
    s3.create_bucket(Bucket="pages", ObjectOwnership="ObjectWriter")
    pages = {
        "index.html": b"home",
        "blog/index.html": b"blog",
        "error.html": b"sorry",
        "moved.html": b"",
    }
    for key, body in pages.items():
        target = {"WebsiteRedirectLocation": "/blog/"} if key == "moved.html" else {}
        s3.put_object(
            Bucket="pages",
            Key=key,
            Body=body,
            ContentType="text/html",
            ACL="public-read",
            **target,
        )
    s3.put_object(Bucket="pages", Key="private.html", Body=b"secret")
    return s3


def configure(s3, **more):
    s3.put_bucket_website(
        Bucket="pages",
        WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}, **more},
    )


def get(hosting, path, host="pages.site.test", method="GET"):
    return httpx.request(method, hosting.url + path, headers={"Host": host})


def test_pages_redirects_and_errors(site, hosting):
    assert get(hosting, "/").status_code == 404
    configure(
        site,
        ErrorDocument={"Key": "error.html"},
        RoutingRules=[
            {
                "Condition": {"KeyPrefixEquals": "old/"},
                "Redirect": {"ReplaceKeyPrefixWith": "blog/", "HostName": "b.test"},
            },
            {
                "Condition": {"HttpErrorCodeReturnedEquals": "403"},
                "Redirect": {"ReplaceKeyWith": "index.html"},
            },
        ],
    )
    home = get(hosting, "/")
    assert (home.status_code, home.content) == (200, b"home")
    assert home.headers["content-type"] == "text/html"
    assert get(hosting, "/blog/").content == b"blog"
    folder = get(hosting, "/blog")
    assert (folder.status_code, folder.headers["location"]) == (302, "/blog/")
    moved = get(hosting, "/moved.html")
    assert (moved.status_code, moved.headers["location"]) == (301, "/blog/")
    old = get(hosting, "/old/a b")
    assert old.headers["location"] == "http://b.test/blog/a%20b"
    closed = get(hosting, "/private.html")
    assert closed.headers["location"].endswith("/index.html")
    assert get(hosting, "/", method="HEAD").headers["content-length"] == "4"
    assert get(hosting, "/", method="POST").status_code == 405


def test_errors_show_the_error_document(site, hosting):
    configure(site, ErrorDocument={"Key": "error.html"})
    site.put_bucket_acl(Bucket="pages", ACL="public-read")
    missing = get(hosting, "/nothing")
    assert (missing.status_code, missing.content) == (404, b"sorry")
    configure(site)
    plain = get(hosting, "/<script>")
    assert plain.status_code == 404
    assert "NoSuchKey" in plain.text
    assert "<script>" not in plain.text


def test_everything_can_go_elsewhere(site, hosting):
    site.put_bucket_website(
        Bucket="pages",
        WebsiteConfiguration={
            "RedirectAllRequestsTo": {"HostName": "new.test", "Protocol": "https"}
        },
    )
    answer = get(hosting, "/any/path")
    assert answer.status_code == 301
    assert answer.headers["location"] == "https://new.test/any/path"


def test_the_bucket_can_be_in_the_host(connect, hosting):
    s3 = connect(hosting)
    s3.create_bucket(Bucket="hosted")
    s3.put_object(Bucket="hosted", Key="docs/admin", Body=b"in the host")
    url = s3.generate_presigned_url(
        "get_object", Params={"Bucket": "hosted", "Key": "docs/admin"}
    )
    assert get(hosting, "/docs/admin", host="hosted.s3.test").status_code == 403
    s3.delete_public_access_block(Bucket="hosted")
    s3.put_bucket_policy(
        Bucket="hosted",
        Policy='{"Version":"2012-10-17","Statement":[{"Effect":"Allow",'
        '"Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::hosted/*"}]}',
    )
    assert get(hosting, "/docs/admin", host="hosted.s3.test").content == b"in the host"
    assert httpx.get(url).content == b"in the host"


@pytest.mark.parametrize("location", ["page.html", "javascript:alert(1)", "ftp://a/b"])
def test_a_page_leads_to_a_path_or_a_web_address(s3, s3_bucket, refused, location):
    place = {"Bucket": s3_bucket, "Key": "page", "WebsiteRedirectLocation": location}
    with refused("InvalidRedirectLocation", 400):
        s3.put_object(**place, Body=b"")
    with refused("InvalidRedirectLocation", 400):
        s3.create_multipart_upload(**place)
    s3.put_object(**{**place, "WebsiteRedirectLocation": "/other"}, Body=b"")


def test_redirects_stay_on_https_behind_a_proxy(client, root, bucket, settings):
    settings.OBJECTSTORE_WEBSITE_DOMAINS = ["site.test"]
    settings.OBJECTSTORE_TRUSTED_PROXIES = ["127.0.0.1"]
    rule = {
        "Condition": {"KeyPrefixEquals": "old/"},
        "Redirect": {"HostName": "b.test"},
    }
    rules = {"RoutingRules": [rule]}
    document = {"IndexDocument": {"Suffix": "i"}, "RoutingRules": rules}
    put_configuration(root, bucket, Configuration.WEBSITE, document)
    host = {"host": f"{bucket}.site.test"}
    plain = client.get("/old/a", headers=host)
    assert plain.headers["location"] == "http://b.test/old/a"
    secure = client.get("/old/a", headers={**host, "x-forwarded-proto": "https"})
    assert secure.headers["location"] == "https://b.test/old/a"


@pytest.mark.parametrize(
    "code", ["200", "304", "309", "\u00b2", "\u0663\u0660\u0661", ""]
)
def test_a_redirect_has_a_code_of_redirects(site, refused, code):
    rules = [{"Redirect": {"HttpRedirectCode": code, "HostName": "b.test"}}]
    with refused("InvalidRequest", 400):
        configure(site, RoutingRules=rules)
