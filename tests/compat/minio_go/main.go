// A whole life of a bucket with minio-go: it fails, and says where, or prints done.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const mib = 1 << 20

var ctx = context.Background()

func must(err error) {
	if err != nil {
		log.Output(2, fmt.Sprintf("%#v", err))
		os.Exit(1)
	}
}

func want(right bool, what string) {
	if !right {
		log.Output(2, what)
		os.Exit(1)
	}
}

func read(client *minio.Client, bucket, key string, options minio.GetObjectOptions) []byte {
	object, err := client.GetObject(ctx, bucket, key, options)
	must(err)
	data, err := io.ReadAll(object)
	must(err)
	return data
}

func keys(client *minio.Client, bucket string, options minio.ListObjectsOptions) []string {
	found := []string{}
	for object := range client.ListObjects(ctx, bucket, options) {
		must(object.Err)
		found = append(found, object.Key)
	}
	return found
}

func objects(client *minio.Client, bucket string) {
	small := []byte("hello from Go")
	_, err := client.PutObject(ctx, bucket, "folder/small ü.txt", bytes.NewReader(small),
		int64(len(small)), minio.PutObjectOptions{
			ContentType:  "text/plain",
			UserMetadata: map[string]string{"Colour": "blue"},
			UserTags:     map[string]string{"kind": "greeting"},
		})
	must(err)
	found, err := client.StatObject(ctx, bucket, "folder/small ü.txt", minio.StatObjectOptions{})
	must(err)
	want(found.ContentType == "text/plain" && found.UserMetadata["Colour"] == "blue", "metadata")
	tags, err := client.GetObjectTagging(ctx, bucket, "folder/small ü.txt", minio.GetObjectTaggingOptions{})
	must(err)
	want(tags.ToMap()["kind"] == "greeting", "tags")
	want(bytes.Equal(read(client, bucket, "folder/small ü.txt", minio.GetObjectOptions{}), small), "small")

	large := make([]byte, 17*mib+3)
	rand.Read(large)
	_, err = client.PutObject(ctx, bucket, "large", bytes.NewReader(large), int64(len(large)),
		minio.PutObjectOptions{PartSize: 5 * mib})
	must(err)
	want(bytes.Equal(read(client, bucket, "large", minio.GetObjectOptions{}), large), "large")
	// A stream of unknown length goes in parts too.
	_, err = client.PutObject(ctx, bucket, "stream", bytes.NewBuffer(large), -1,
		minio.PutObjectOptions{PartSize: 16 * mib})
	must(err)
	want(bytes.Equal(read(client, bucket, "stream", minio.GetObjectOptions{}), large), "stream")

	ranged := minio.GetObjectOptions{}
	must(ranged.SetRange(6*mib, 6*mib+99))
	want(bytes.Equal(read(client, bucket, "large", ranged), large[6*mib:6*mib+100]), "range")

	want(len(keys(client, bucket, minio.ListObjectsOptions{Recursive: true})) == 3, "list")
	want(len(keys(client, bucket, minio.ListObjectsOptions{Recursive: true, UseV1: true})) == 3, "list V1")
	top := keys(client, bucket, minio.ListObjectsOptions{})
	want(len(top) == 3 && slices.Contains(top, "folder/"), "list of folders")

	_, err = client.CopyObject(ctx, minio.CopyDestOptions{Bucket: bucket, Object: "copy"},
		minio.CopySrcOptions{Bucket: bucket, Object: "folder/small ü.txt"})
	must(err)
	want(bytes.Equal(read(client, bucket, "copy", minio.GetObjectOptions{}), small), "copy")
	_, err = client.ComposeObject(ctx, minio.CopyDestOptions{Bucket: bucket, Object: "composed"},
		minio.CopySrcOptions{Bucket: bucket, Object: "large"},
		minio.CopySrcOptions{Bucket: bucket, Object: "copy"})
	must(err)
	want(bytes.Equal(read(client, bucket, "composed", minio.GetObjectOptions{}), append(large, small...)), "compose")
}

func links(client *minio.Client, bucket string) {
	link, err := client.PresignedGetObject(ctx, bucket, "copy", time.Hour, url.Values{})
	must(err)
	answer, err := http.Get(link.String())
	must(err)
	data, err := io.ReadAll(answer.Body)
	must(err)
	want(answer.StatusCode == 200 && string(data) == "hello from Go", "presigned GET")
}

func versions(client *minio.Client, bucket string) {
	must(client.EnableVersioning(ctx, bucket))
	first, err := client.PutObject(ctx, bucket, "copy", bytes.NewReader([]byte("two")), 3, minio.PutObjectOptions{})
	must(err)
	must(client.RemoveObject(ctx, bucket, "copy", minio.RemoveObjectOptions{}))
	_, err = client.StatObject(ctx, bucket, "copy", minio.StatObjectOptions{})
	want(minio.ToErrorResponse(err).Code == "NoSuchKey", "deleted")
	want(string(read(client, bucket, "copy", minio.GetObjectOptions{VersionID: first.VersionID})) == "two", "version")
	want(len(keys(client, bucket, minio.ListObjectsOptions{Prefix: "copy", WithVersions: true})) == 3, "versions")
}

func main() {
	log.SetFlags(log.Lshortfile)
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, module := range build.Deps {
			if module.Path == "github.com/minio/minio-go/v7" {
				fmt.Println("minio-go", module.Version)
			}
		}
	}
	server, err := url.Parse(os.Getenv("ENDPOINT"))
	must(err)
	client, err := minio.New(server.Host, &minio.Options{
		Creds:           credentials.NewEnvAWS(),
		Secure:          server.Scheme == "https",
		TrailingHeaders: os.Getenv("TRAILERS") == "yes",
	})
	must(err)
	bucket := os.Args[1]
	must(client.MakeBucket(ctx, bucket, minio.MakeBucketOptions{}))
	objects(client, bucket)
	links(client, bucket)
	versions(client, bucket)
	all := client.ListObjects(ctx, bucket, minio.ListObjectsOptions{Recursive: true, WithVersions: true})
	for failed := range client.RemoveObjects(ctx, bucket, all, minio.RemoveObjectsOptions{}) {
		must(failed.Err)
	}
	must(client.RemoveBucket(ctx, bucket))
	exists, err := client.BucketExists(ctx, bucket)
	must(err)
	want(!exists, "the bucket is still there")
	fmt.Println("done")
}
