package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

const (
	volumes   = "volumes"
	snapshots = "snapshots"
)

// A store keeps each volume and each snapshot as a folder with its files and
// its size, which is only remembered: all of them share one disk.
type store struct{ root string }

func (s store) files(kind, id string) (string, error) {
	folder, err := s.folder(kind, id)
	return filepath.Join(folder, "files"), err
}

func (s store) folder(kind, id string) (string, error) {
	if id == "" || id == "." || id == ".." || filepath.Base(id) != id {
		return "", fmt.Errorf("%q is no name", id)
	}
	return filepath.Join(s.root, kind, id), nil
}

// create makes an empty folder, or one with what is in original; once is as
// good as twice, and half of one is never seen.
func (s store) create(kind, id string, size int64, original string) error {
	folder, err := s.folder(kind, id)
	if err != nil {
		return err
	}
	if _, err := os.Stat(folder); err == nil {
		return nil
	}
	half := folder + ".half"
	if err := os.RemoveAll(half); err != nil {
		return err
	}
	if err := os.MkdirAll(half, 0o755); err != nil {
		return err
	}
	if err := fill(filepath.Join(half, "files"), original); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(half, "size"), []byte(strconv.FormatInt(size, 10)), 0o644); err != nil {
		return err
	}
	return os.Rename(half, folder)
}

func fill(files, original string) error {
	if original == "" {
		return os.Mkdir(files, 0o755)
	}
	said, err := exec.Command("cp", "--archive", "--reflink=auto", original, files).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	return nil
}

// about tells the size of a folder and when it was made.
func (s store) about(kind, id string) (int64, time.Time, error) {
	folder, err := s.folder(kind, id)
	if err != nil {
		return 0, time.Time{}, err
	}
	noted := filepath.Join(folder, "size")
	text, err := os.ReadFile(noted)
	if err != nil {
		return 0, time.Time{}, err
	}
	found, err := os.Stat(noted)
	if err != nil {
		return 0, time.Time{}, err
	}
	size, err := strconv.ParseInt(string(text), 10, 64)
	return size, found.ModTime(), err
}

func (s store) remove(kind, id string) error {
	folder, err := s.folder(kind, id)
	if err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(folder), os.RemoveAll(folder+".half"))
}
